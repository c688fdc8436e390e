"""What every room needs: errors, records, text, processes, FIFOs and the host. It imports no other room."""
