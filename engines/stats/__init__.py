"""What containers use: CPU, memory, network, block I/O and processes, live."""
