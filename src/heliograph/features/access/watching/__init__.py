"""What whoever looks after security sees."""
