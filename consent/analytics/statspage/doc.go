// Package statspage shows a site's counts to those who may see them: a plain
// page with bars, and the same as JSON.
//
//	page, err := statspage.New(statspage.Config{Counters: counters, Allow: signedIn})
//	mux.Handle("GET /privacy/stats", page)
//	mux.Handle("GET /privacy/stats.json", page)
//
// There is no script, no image and nothing from elsewhere in it; bars are SVG
// with their numbers beside them, so that it can be read aloud, printed, and seen
// in forced colours. It is made of [analytics.Counters.Publish] and knows no
// more than that: small counts are not in it, and sums over hours or days are
// sums of what is.
//
// For each experiment it shows how often each arm was shown, and whether the
// split is as planned, by the test of experiment.SampleRatio.
//
// # Who may see it
//
// [Config.Allow] decides, for each request, and is required: ask whether somebody
// is signed in who may. Others are answered 404, as where there is no page. The
// counts name nobody, but they are a site's business, and whoever may look at
// them again and again should not be the public while
// CountersConfig.UnsafeRunning is set.
//
// # Where to mount
//
// Below the privacy prefix, wrapped in consent's Manager.PrivacyPage, it makes no
// page views of its own and its log lines say little; anywhere else it works as
// well. Answers are not to be kept by any cache.
package statspage
