package gen_test

// exceptions are breaches of the rules that stay, as "rule | place", each with
// its reason.
func exceptions() map[string]string {
	return map[string]string{
		"target-job | llmtap-slo: Burn rate, 1 hour A":                    "a recording rule over all agents",
		"target-instance | llmtap-slo: Burn rate, 1 hour A":               "a recording rule over all agents",
		"target-rate-interval | llmtap-slo: Error budget left, 30 days A": "the objective's own window",
	}
}
