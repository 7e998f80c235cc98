// Runs before video.js, which otherwise adds a <style> element of its own that
// the content security policy refuses. Sizes come from screen.css instead.
window.VIDEOJS_NO_DYNAMIC_STYLE = true;
