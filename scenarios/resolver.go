package scenarios

import "kvd/resolve"

// Resolver is a conflict resolver, for those who need no more of it than its name.
type Resolver = resolve.ID

// Resolvers lists all resolvers in the order in which they are compared. The caller
// owns the list.
func Resolvers() []Resolver { return resolve.IDs() }

// ResolverNames lists their names in the same order.
func ResolverNames() []string { return resolve.All.Names() }

// ParseResolver reads a resolver's name. The error lists all names.
func ParseResolver(name string) (Resolver, error) { return resolve.ParseID(name) }
