"""What all pages share. Knows no resource."""
