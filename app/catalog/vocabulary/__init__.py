"""What tables and columns are called and described as: what a question in words is read by."""
