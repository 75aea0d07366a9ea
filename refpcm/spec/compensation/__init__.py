"""What is done in the digital domain against drift: global drift compensation and adaptive batch norm statistics."""
