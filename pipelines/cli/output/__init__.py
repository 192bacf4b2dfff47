"""What commands print: progress, tables, sizes."""
