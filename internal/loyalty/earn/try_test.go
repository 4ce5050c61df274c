package earn

import "testing"

// Judging that breaks must neither end the process nor keep the reader waiting.
func TestATrialThatBreaksSaysSo(t *testing.T) {
	t.Parallel()
	read := 0
	err := (&trial{}).replay(func(past func(*pastOrder)) {
		for read = range 20 * paidAtOnce {
			past(&pastOrder{tried: &tried{}, in: &Input{}})
		}
	})
	if err == nil || read != 20*paidAtOnce-1 {
		t.Fatalf("%v after %d", err, read)
	}
}
