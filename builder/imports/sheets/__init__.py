"""Tables that people bring: mapped column by column to a form, looked over, taken in, taken back as one."""
