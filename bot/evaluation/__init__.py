"""How good it is: exams, public question banks, plots, speed."""
