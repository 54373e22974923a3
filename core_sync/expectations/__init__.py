"""What must follow what, and within which time: learned from the stream, settable by people; a breach is a failure."""
