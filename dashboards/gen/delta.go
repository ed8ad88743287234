package gen

import "fmt"

// Delta is how much the counter that selector names grew within window, newborn
// series included. A series that is born with the value 3 has an increase() of
// 0 (prometheus/prometheus#1673), and the first failures on a small hub are just
// that: so a series that existed when the window began gives its increase, one
// that did not gives its whole value. The result is never below the true count;
// increase() extrapolates a little upward.
func Delta(selector, window string) string {
	return fmt.Sprintf("((increase(%[1]s[%[2]s]) and %[1]s offset %[2]s) or (%[1]s unless %[1]s offset %[2]s))", selector, window)
}
