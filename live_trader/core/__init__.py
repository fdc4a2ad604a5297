"""Pure decisions and pure money: no clock, no I/O, no pandas."""
