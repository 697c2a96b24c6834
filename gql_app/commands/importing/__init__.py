"""`callboard import`: a file of tasks, row by row, with what is wrong put aside to be mended."""
