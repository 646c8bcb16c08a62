package policies

import (
	"errors"
	"log/slog"

	"kvd/replica/host/refold"
	"kvd/resolve"
)

// Setting is which policy a leader serves under, and what it could not go over to.
type Setting struct {
	Policy  resolve.Policy
	Version Version // of Policy; zero: the leader's own settings say it
	Refused Version // zero: nothing
	Why     string

	settings string // the policy that settings say
}

// Recall is under which policy a leader starts: what was set while it ran counts more than its
// settings. Dir is where that is written down; empty: nowhere, and carried is what the
// incarnation before this one was under.
func Recall(dir, leader string, settings resolve.Policy, carried Version, log *slog.Logger) (*Setting, error) {
	s := &Setting{Policy: settings, Version: carried, settings: settings.String()}
	var err error
	if dir != "" {
		s.Version, err = Remembered(dir)
	}
	if err != nil || s.Version.Number == 0 {
		return s, err
	}
	if s.Policy, err = s.Version.Of(settings); err == nil && s.Version.Text != s.settings {
		log.Info("serves under the policy that was set while it ran, and not under that of its settings", "leader", leader,
			"number", s.Version.Number, "policy", s.Version.Text, "settings", s.settings, "next", "kv admin policy set changes it")
	}
	return s, err
}

// before is what the leader serves under, for the next incarnation to go back to.
func (s *Setting) before() Version {
	v := s.Version
	v.Text = s.Policy.String()
	return v
}

// GoBack goes back to the policy before, where a start failed because objects cannot be brought under
// the one that was set, and reports whether it did. Nothing was changed then. Others that went over
// to it are not linked until that is mended.
func (s *Setting) GoBack(dir string, why error) bool {
	refused, ok := errors.AsType[*refold.Refused](why)
	if !ok || s.Version.Number == 0 || dir == "" {
		return false
	}
	back, err := forget(dir, s.settings)
	if err != nil {
		return false
	}
	s.Refused, s.Why, s.Version = s.Version, refused.Why, back
	s.Policy, err = back.Of(s.Policy)
	return err == nil
}
