package logging

// What the tests reach of the functions that judge a visitor's text.
var (
	AppendQuery  = appendQuery
	QueryForm    = queryForm
	AppendOrigin = appendOrigin
	AppendString = appendString
	RoutePath    = routePath
)
