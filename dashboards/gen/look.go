package gen

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Colours by meaning; each comes with a text.
const (
	colourGood      = "#37872D"
	colourWarn      = "#E0B400"
	colourBad       = "#C4162A"
	colourUnknown   = "#8E8E8E"
	colourNeutral   = "#6E7FA8"
	colourDirect    = "#3274D9" // blue
	colourFramework = "#FF780A" // orange
)

// override is a set of properties for the fields that a matcher picks.
type override = dashboard.DashboardFieldConfigSourceOverrides

// property is one setting of an override.
func property(id string, value any) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: id, Value: value}
}

// named picks the field of that name.
func named(name string, properties ...dashboard.DynamicConfigValue) override {
	return override{Matcher: dashboard.MatcherConfig{Id: "byName", Options: name}, Properties: properties}
}

// like picks fields whose name matches a regular expression.
func like(pattern string, properties ...dashboard.DynamicConfigValue) override {
	return override{Matcher: dashboard.MatcherConfig{Id: "byRegexp", Options: "/" + pattern + "/"}, Properties: properties}
}

// ofQuery picks what the query with that letter found.
func ofQuery(letter string, properties ...dashboard.DynamicConfigValue) override {
	return override{Matcher: dashboard.MatcherConfig{Id: "byFrameRefID", Options: letter}, Properties: properties}
}

// fixed is one colour whatever the value.
func fixed(colour string) dashboard.DynamicConfigValue {
	return property("color", map[string]string{"mode": "fixed", "fixedColor": colour})
}

// dashed is how a plain call's line is drawn; a stream's is solid.
func dashed() dashboard.DynamicConfigValue {
	return property("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 6}})
}

func solid() dashboard.DynamicConfigValue {
	return property("custom.lineStyle", map[string]any{"fill": "solid"})
}

// unseen draws nothing of a query that only brings exemplars; a disabled one
// would not be asked.
func unseen() dashboard.DynamicConfigValue {
	return property("custom.hideFrom", map[string]bool{"viz": true, "legend": true, "tooltip": true})
}

// coloured fills a table's cell with the colour of its value.
func coloured() dashboard.DynamicConfigValue {
	return property("custom.cellOptions", map[string]string{"type": "color-background", "mode": "basic"})
}

// kinds colour series and columns by the kind of client and by mode. Blue is
// direct, orange a framework; solid is a stream, dashed a plain call.
func kinds() []override {
	return []override{
		like(".*direct.*", fixed(colourDirect)), like(".*framework.*", fixed(colourFramework)), like(".*unknown.*", fixed(colourUnknown)),
		like(".*stream=true.*", solid()), like(".*stream=false.*", dashed()),
	}
}

// link is a data link.
type link struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank"`
}

func links(list ...link) dashboard.DynamicConfigValue { return property("links", list) }

// says is a value mapping for one value.
func says(value, words, colour string) dashboard.ValueMapping {
	r := dashboard.ValueMappingResult{Text: new(words)}
	if colour != "" {
		r.Color = new(colour)
	}
	return dashboard.ValueMapping{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: map[string]dashboard.ValueMappingResult{value: r},
	}}
}

// never shows a missing value as never seen, in grey: it is not 0 %.
func never() dashboard.ValueMapping {
	return dashboard.ValueMapping{SpecialValueMap: &dashboard.SpecialValueMap{
		Type: dashboard.MappingTypeSpecialValue,
		Options: dashboard.DashboardSpecialValueMapOptions{
			Match:  dashboard.SpecialValueMatchNullAndNan,
			Result: dashboard.ValueMappingResult{Text: new("never seen"), Color: new(colourUnknown)},
		},
	}}
}
