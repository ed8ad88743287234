module llmtap

go 1.26
