"""What is counted over days and weeks: a practice's activity."""
