// The page and the lesson are light or dark as it was chosen on the page, before anything is painted; else as the system is.
{
  const KEY = "konkyo-theme";
  const take = () => {
    try {
      const kept = localStorage.getItem(KEY);
      if (kept) document.documentElement.dataset.theme = kept;
    } catch {
      // A browser may forbid it.
    }
  };
  take();
  // Another tab may switch it.
  window.addEventListener("storage", ({ key }) => key === KEY && take());
}
