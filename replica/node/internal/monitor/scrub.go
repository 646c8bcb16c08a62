package monitor

import (
	"kvd/replica/node/internal/sidefile"
	"kvd/storage/scrub"
)

const scrubFile = "scrub.json"

// maxTold is how many places are told of in the log. The others are counted.
const maxTold = 16

// newScrubber is a scrubber that goes on where the last process stopped; nil: nothing is to
// be scrubbed.
func (m *Monitor) newScrubber() *scrub.Scrubber {
	if m.cfg.ScrubEvery == 0 {
		return nil
	}
	var at scrub.Progress
	if m.cfg.Side != "" {
		if _, err := sidefile.Read(m.cfg.Side, scrubFile, &at); err != nil {
			m.cfg.Logger.Warn("how far the store was scrubbed is not known", "leader", m.cfg.Name, "why", err.Error())
			at = scrub.Progress{}
		}
	}
	told, unkept := 0, false
	s, err := scrub.New(scrub.Config{
		FS: m.cfg.FS, Dir: m.cfg.Dir, Every: m.cfg.ScrubEvery, Rate: m.cfg.ScrubRate, Writing: m.cfg.Store.Disk().Writing,
		Found: func(f scrub.Finding) {
			m.cfg.Store.NoteDamage(f) // whoever watches the store for damage tells of the first
			if told++; told > 1 && told <= maxTold {
				m.cfg.Logger.Error("one more place of the store is damaged", "leader", m.cfg.Name, "why", f.Error())
			}
		},
		Keep: func(p scrub.Progress) {
			err := sidefile.Write(m.cfg.Side, scrubFile, "how far the store was scrubbed", p)
			if err != nil && !unkept {
				m.cfg.Logger.Warn("the next process scrubs again what this one did", "leader", m.cfg.Name, "why", err.Error())
			}
			unkept = err != nil
		},
	}, at)
	if err != nil {
		m.cfg.Logger.Error("the store is not scrubbed", "leader", m.cfg.Name, "why", err.Error())
		return nil
	}
	return s
}
