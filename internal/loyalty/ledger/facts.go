package ledger

// Posted says that an entry was booked. The entry itself is the record; this is told to reactions only.
type Posted struct {
	Asset    Asset  `json:"asset"`
	Seq      int64  `json:"seq"`
	Kind     string `json:"kind"`
	Amount   int64  `json:"amount"`
	Balance  int64  `json:"balance"`
	Occurred int64  `json:"occurred"`
	Ref      string `json:"ref,omitempty"`
}

// FactKind is "ledger.posted".
func (Posted) FactKind() string { return "ledger.posted" }

// HoldEnded says that a hold was posted, voided or ran out.
type HoldEnded struct {
	Hold   int64  `json:"hold"`
	State  string `json:"state"`
	Posted int64  `json:"posted"`
}

// FactKind is "ledger.hold_ended".
func (HoldEnded) FactKind() string { return "ledger.hold_ended" }
