"""Who a person is: login, logout, own password, the first administrator. What one may do is `engines.access`'s."""
