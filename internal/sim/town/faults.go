package town

// Fault is a mistake planted in the book, to see that it is found.
type Fault string

// Faults that a checker must find.
const (
	FaultNone        Fault = ""
	FaultDayEarly    Fault = "points expire a day early"
	FaultTwoWarnings Fault = "a tier is lost after two warnings"
	FaultNewLot      Fault = "a refund gives spent points back as new ones"
	FaultTwice       Fault = "a repeated delivery is awarded again"
)

// Faults lists them.
var Faults = []Fault{FaultDayEarly, FaultTwoWarnings, FaultNewLot, FaultTwice}
