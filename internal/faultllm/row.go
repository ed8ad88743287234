package faultllm

import "time"

// play answers one request.
type play func(*exchange)

// row is a scenario with its play. The methods refine a row of the table and
// return the refined copy.
type row struct {
	Scenario
	play play
	// early rows answer before the request body is read.
	early bool
	// parted rows need finish reason and terminal marker in two events.
	parted bool
}

// onStream is a row that streamed calls meet; plain ones get the healthy answer.
func onStream(id, does, class string, p play) row {
	return row{Scenario: Scenario{ID: id, Does: does, Class: class, Mode: ModeStream, API: APIAny}, play: p}
}

// onPlain is a row that plain calls meet; streamed ones get the healthy answer.
func onPlain(id, does, class string, p play) row {
	return row{Scenario: Scenario{ID: id, Does: does, Class: class, Mode: ModePlain, API: APIAny}, play: p}
}

// onBoth is a row that every call meets.
func onBoth(id, does, class string, p play) row {
	return row{Scenario: Scenario{ID: id, Does: does, Class: class, Mode: ModeBoth, API: APIAny}, play: p}
}

func (r row) because(reason string) row { r.Reason = reason; return r }

func (r row) plainly(class string) row { r.PlainClass = class; return r }

func (r row) of(api string) row { r.API = api; return r }

func (r row) over(http string) row { r.HTTP = http; return r }

func (r row) needs(members string) row { r.Needs = members; return r }

func (r row) leaving(when string) row { r.Leaves = when; return r }

func (r row) lasting(d time.Duration) row { r.Takes = d; return r }

func (r row) also(names ...string) row { r.Also = names; return r }

func (r row) apart() row { r.parted = true; return r }

func (r row) beforeBody() row { r.early = true; return r }

// inAzure plays the row in Azure's dialect on every route.
func (r row) inAzure() row {
	inner := r.play
	r.API = APIAzure
	r.play = func(x *exchange) {
		x.ask.azure = true
		inner(x)
	}
	return r
}
