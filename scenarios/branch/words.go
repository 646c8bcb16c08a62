package branch

import (
	"strings"

	"kvd/scenarios/oracle"
)

// Words says in one sentence until when a loss could have been avoided; until is that moment
// in words.
func Words(a *oracle.Avoidable, until string) string {
	if a.Never {
		return "Nothing would have avoided it: also where nothing is wrong, as much is lost"
	}
	text := "It could still have been avoided until just before " + until
	if a.Event != "" {
		text += ", when " + a.Event
	}
	return text + ": " + enough(a.Enough)
}

// cures is the repairs as what somebody does.
var cures = map[string]string{"links": "healing all links", "clocks": "setting the clocks right", "machines": "getting the machines to run"}

func enough(alone []string) string {
	if len(alone) == 0 {
		return "by putting links, clocks and machines right together"
	}
	each := make([]string, len(alone))
	for i, name := range alone {
		each[i] = cures[name]
	}
	return "by " + strings.Join(each, ", or by ")
}
