# Asks the program that is installed, so that this file is never older than it.
wireglass completions fish | source
