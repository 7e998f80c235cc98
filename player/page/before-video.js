// Runs before video.js, which would otherwise add a <style> element that the
// content security policy blocks. screen.css sets the sizes instead.
window.VIDEOJS_NO_DYNAMIC_STYLE = true;
