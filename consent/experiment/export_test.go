package experiment

import "github.com/candorhttp/candor/consent"

// NewWeighted is the assigner of an experiment that was given none.
func NewWeighted(keys consent.Keys, name string, arms []Arm) Assigner {
	return newWeighted(keys, name, arms)
}
