package call

// Outcome is the one verdict all ratios are built from: cancelled if the
// client left before the end on its own, error if there was no answer, the
// status was 400 or more or the class has severity error, else ok. What is not
// known yet (a call in flight) or could not be seen (an opaque connection) has
// none: unseen is not failed.
func (r *Record) Outcome() Outcome {
	d := r.Diagnosis
	switch {
	case d.Class == ClassClientCancelled:
		return OutcomeCancelled
	case d.Class == ClassUnknown && r.clientLeft():
		return OutcomeCancelled
	case r.Response.Status == 0 && r.End.Side == SideUnknown && d.Severity != SeverityError:
		return OutcomeUnknown
	case r.Response.Status == 0, r.Response.Status >= 400, d.Severity == SeverityError:
		return OutcomeError
	case d.Class == ClassUnknown && r.cut():
		return OutcomeError
	}
	return OutcomeOK
}

// clientLeft says, for a record nobody classified, that the client ended it.
func (r *Record) clientLeft() bool {
	return r.End.Side == SideClient && !r.End.Terminal && r.End.Kind != EndTLS
}

// cut says, for a record nobody classified, that the answer is not whole.
func (r *Record) cut() bool {
	return r.Agent.View == ViewFull && r.End.Kind != EndEOF && r.End.Kind != EndUnknown && !r.End.Terminal
}

// Retryable reports whether SDKs send this attempt again: status 408, 409, 429
// or 5xx, or a connection error before the first body byte; never with
// x-should-retry: false (telemetry contract §1).
func (r *Record) Retryable() bool {
	if r.Response.Header("x-should-retry") == "false" {
		return false
	}
	switch s := r.Response.Status; {
	case s == 408, s == 409, s == 429, s >= 500:
		return true
	case s == 0:
		return r.End.Side != SideClient && r.End.Side != SideUnknown
	}
	return r.End.Side == SideUpstream && r.End.Kind != EndEOF && r.Timing.FirstByte.IsZero()
}
