package cluster

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/sim/witness"
)

// cuts is how often the power goes; GUANXI_CUTS asks for more.
func cuts() int {
	if n, err := strconv.Atoi(os.Getenv("GUANXI_CUTS")); err == nil {
		return n
	}
	return 4
}

// TestPowerOfTheServerIsCut takes the power of the database server's disk under the load of two writers, again and again: what
// was not synced is gone, torn, or there by chance. Nothing acknowledged is lost, nothing is done twice, and what was
// unknown is settled by its key.
func TestPowerOfTheServerIsCut(t *testing.T) {
	t.Parallel()
	srv := installed(t, "--innodb-use-native-aio=0")
	disk := forget(t, srv)
	srv.start()
	s := newStorm(t, srv)
	chance := rand.New(rand.NewPCG(20260131, 3))
	unknown := 0
	for round := range cuts() {
		s.blow(t, func() { disk.cut(); srv.kill() })
		if err := disk.light(chance); err != nil {
			t.Fatal(err)
		}
		srv.start()
		unknown += settle(t, s.log, s.sites)
		if err := s.log.Check(s.sites[round%2]); err != nil {
			t.Fatalf("cut %d: %v", round+1, err)
		}
	}
	t.Logf("%d cuts, %d pages forgotten, %d of them in part, %d syncs; %d acknowledged, %d of them after their outcome was unknown",
		cuts(), disk.lost, disk.torn, disk.kept, s.log.Count(witness.Acked), unknown)
	if s.log.Count(witness.Acked) < 10*cuts() || unknown == 0 || disk.lost == 0 {
		t.Error("too tame to prove anything")
	}
}

// TestForgetfulDiskIsNoticed is the control: a server that is told, behind the back of who writes, not to sync each commit loses
// what it acknowledged. The check finds it, and so does the writer itself.
func TestForgetfulDiskIsNoticed(t *testing.T) {
	t.Parallel()
	srv := installed(t, "--innodb-use-native-aio=0")
	disk := forget(t, srv)
	srv.start()
	s := newStorm(t, srv)
	s.sites = s.sites[:1] // of two, one that had nothing to lose could go on and hide the loss from the other
	chance := rand.New(rand.NewPCG(20260131, 4))
	var err error
	for range 5 { // it may be lucky: once a second all is synced
		if _, err := srv.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2"); err != nil {
			t.Fatal(err)
		}
		s.blow(t, func() { disk.cut(); srv.kill() })
		if err := disk.light(chance); err != nil {
			t.Fatal(err)
		}
		srv.start()
		if err = s.log.Check(site(t, srv)); err != nil {
			break
		}
	}
	if !errors.Is(err, witness.ErrBroken) || !strings.Contains(err.Error(), "acknowledged, but lost") {
		t.Errorf("the check says %v", err)
	}
	if err := s.sites[0].Post(context.Background(), s.next); !fault.Is(err, db.ErrBehind) {
		t.Errorf("the writer says %v", err)
	}
}
