package site

import "fmt"

// pages has a sample value of every page, by the name of its template.
func pages() map[string]any {
	return map[string]any{
		"gallery": &GalleryPage{}, "video": &VideoPage{}, "ranking": &RankingPage{}, "player": &PlayerPage{},
		"account": &AccountPage{}, "signup": &SignUpPage{}, "signin": &SignInPage{},
		"leave": &LeavePage{}, "myvideos": &MyVideosPage{}, "delete": &DeletePage{}, "publish": &PublishPage{}, "error": &ErrorPage{}, "offline": &OfflinePage{},
	}
}

func nameOf(page any) string {
	for name, sample := range pages() {
		if fmt.Sprintf("%T", sample) == fmt.Sprintf("%T", page) {
			return name
		}
	}
	panic(fmt.Sprintf("no template for %T", page))
}
