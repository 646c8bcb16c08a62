package show

import (
	"fmt"
	"strings"

	"kvd/cmd/internal/whatif"
	"kvd/replica/client/study"
)

// WhatIf is a whole report as a record.
type WhatIf struct{ whatif.Report }

func (r WhatIf) Text(*Printer) string { return r.Report.Text() }

func (r WhatIf) Columns() []string { return whatif.Columns() }

func (r WhatIf) Cells() []string { return nil }

func (r WhatIf) Raw() string {
	var b strings.Builder
	for i := range r.Outcomes {
		fmt.Fprintf(&b, "%s %d\n", r.Outcomes[i].Resolver, r.Outcomes[i].Lost())
	}
	return b.String()
}

// Outcome is one resolver of it.
type Outcome struct{ *study.Outcome }

func (j Outcome) Text(*Printer) string { return strings.Join(j.Cells(), "  ") }

func (j Outcome) Columns() []string { return whatif.Columns() }

func (j Outcome) Cells() []string { return whatif.Cells(j.Outcome) }

func (j Outcome) Raw() string { return fmt.Sprint(j.Lost()) }
