package batch

import (
	"errors"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/budget"
	"kvd/resolve"
)

// ErrorText is what a client is told of a failure.
func ErrorText(err error) string {
	var r resp.Error
	var busy *acl.BusyError
	switch {
	case errors.As(err, &r):
		return string(r)
	case errors.Is(err, resolve.ErrNotInteger):
		return string(resp.ErrNotInteger)
	case errors.Is(err, resolve.ErrOverflow):
		return "ERR increment or decrement would overflow"
	case errors.Is(err, replica.ErrBudget):
		return "ERR the values that this shows are more than may be held together, and it was not done; ask for them in smaller parts"
	case errors.As(err, &busy):
		return "TRYAGAIN " + err.Error()
	case errors.Is(err, budget.ErrFull):
		return "TRYAGAIN " + err.Error()
	case errors.Is(err, replica.ErrSiblings):
		return "SIBLINGS " + err.Error()
	case errors.Is(err, replica.ErrBehind):
		return "BEHIND " + err.Error()
	case errors.Is(err, replica.ErrDoomed):
		return "DOOMED " + err.Error()
	case errors.Is(err, replica.ErrQuarantined):
		return "CLOCKWRONG " + err.Error()
	case errors.Is(err, replica.ErrReadOnly):
		return "READONLY " + err.Error()
	case errors.Is(err, replica.ErrTooFew):
		return "NOREPLICAS " + err.Error() // Redis' word
	case errors.Is(err, replica.ErrClockWide):
		return "CLOCKWIDE " + err.Error()
	case errors.Is(err, replica.ErrInDoubt):
		return "INDOUBT " + err.Error()
	case errors.Is(err, replica.ErrOverloaded), errors.Is(err, resp.ErrDraining):
		return "TRYAGAIN " + err.Error()
	}
	return "ERR " + err.Error()
}
