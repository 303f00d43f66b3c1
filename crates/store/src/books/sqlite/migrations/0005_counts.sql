-- Answers that counted more prompt tokens than the model's public tokenizer can.
ALTER TABLE honesty ADD COLUMN counts_broken INTEGER NOT NULL DEFAULT 0;
