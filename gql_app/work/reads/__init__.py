"""What is asked: lists, boards, histories, always in a viewer's scope. Nothing is written."""
