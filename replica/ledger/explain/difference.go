package explain

import (
	"fmt"

	"kvd/replica/ledger"
)

// Difference names a row that two leaders disagree about.
func Difference(d *ledger.Difference) string {
	return fmt.Sprintf("%s of %s under %s: %s %s", d.Loser, word(d.Key), d.Resolver, d.Leader, d.Says)
}
