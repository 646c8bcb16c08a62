package known

import (
	"fmt"

	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/node/internal/sidefile"
)

// Members are the leaders that were ever known: name to HTTP address.
type Members map[string]string

const membersFile = "members.json"

// ReadMembers is never nil. On an error nobody is known, and the origin
// cannot be confirmed.
func ReadMembers(dir string) (Members, error) {
	known := Members{}
	if _, err := sidefile.Read(dir, membersFile, &known); err != nil || known == nil {
		return Members{}, err
	}
	return known, nil
}

// Learn takes the others of a view in, and reports whether any of them was new or
// has moved.
func (m Members) Learn(self string, v member.View) bool {
	grew := false
	for _, one := range v.Members {
		if one.Name != self && m[one.Name] != one.HTTPAddr {
			m[one.Name], grew = one.HTTPAddr, true
		}
	}
	return grew
}

// Others is who was ever known. The core is told before it hears of them again, so
// that it ends no value by its own clock before it could have heard theirs.
func (m Members) Others(self string) (all []replica.Leader) {
	for name := range m {
		if name != "" && name != self {
			all = append(all, replica.Leader(name))
		}
	}
	return all
}

// Write keeps them in the data directory.
func (m Members) Write(dir string) error {
	if err := sidefile.WriteLines(dir, membersFile, m); err != nil { // maps are written in the order of their keys
		return fmt.Errorf("write the members that are known: %w", err)
	}
	return nil
}
