package matomo

// pageView is the name of the events that are page views.
const pageView = "page_view"
