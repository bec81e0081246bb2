package main

import (
	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/experiment"
	"github.com/candorhttp/candor/cookies"
)

// newGoodsTrial is the shop's experiment: do cards sell more teapots than a
// list? Visitors who did not agree see the list, as everybody always did.
func newGoodsTrial(gate *cookies.Gate, keys consent.Keys) (*experiment.Experiment, error) {
	cookie, err := cookies.NewSealed[string](gate, keys, "exp_goods")
	if err != nil {
		return nil, err
	}
	return experiment.New(experiment.Config{
		Name: "goods", Arms: []experiment.Arm{{Name: "list"}, {Name: "cards"}}, Keys: keys, Cookie: cookie,
	})
}
