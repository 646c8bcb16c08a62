package link

import (
	"testing"
	"time"

	"kvd/replica/detect"
)

// A peer that falls silent is suspected, and any frame of it ends that.
func TestSilenceOfAPeerIsSuspected(t *testing.T) {
	m := &Mesh{began: time.Now()}
	p := &peer{mesh: m, suspicion: newSuspicion()}
	m.began = m.began.Add(-time.Hour)
	if phi := p.phi(); phi != 0 {
		t.Errorf("phi is %v of one that was never heard", phi)
	}
	p.heard(true)
	m.began = m.began.Add(-10 * time.Second)
	if phi := p.phi(); phi < detect.Gone {
		t.Errorf("phi is %v after ten seconds of silence", phi)
	}
	p.heard(false)
	if phi := p.phi(); phi >= detect.Suspect {
		t.Errorf("phi is %v right after a frame", phi)
	}
}
