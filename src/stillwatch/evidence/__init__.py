"""Evidence: a case sealed with the records it rests on, checked offline, shown record by record, and run again."""
