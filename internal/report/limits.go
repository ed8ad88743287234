package report

// MaxBytes is what a report is never larger than, whatever was recorded. It
// follows from the limits below; a test holds it for the worst records.
const MaxBytes = 2 << 20

// Rows shown of each part; what is beyond is counted ("and 3 more").
const (
	maxTargets  = 24
	maxVerdicts = 12
	maxLanes    = 16
	maxExhibits = 4
	maxAttempts = 5
	maxChanges  = 10
	maxVersions = 32
	maxClasses  = 12
	maxCalls    = 60
	maxFacts    = 12
	maxMarks    = 4
)

// Lengths of captured text, in runes after it was made visible.
const (
	maxText  = 800
	maxValue = 160
	maxName  = 64
	maxCurl  = 8000
	maxList  = 64
)
