"""A local stand-in for both clouds: real HTTP, the documented quirks, and faults to switch on."""
