"""What leaves as a file: tables, the forms that they are written in, and the export."""
