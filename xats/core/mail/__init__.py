"""Mail: messages, deliveries, threads, and what is overdue, held or dead."""
