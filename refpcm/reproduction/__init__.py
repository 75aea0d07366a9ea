"""The paper's figures: what is trained and measured for each, at which scale, and the paper's numbers beside ours."""
