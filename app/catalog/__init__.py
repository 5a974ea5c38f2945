"""What the data is: tables with their lifecycle, and the contracts under which data comes in."""
