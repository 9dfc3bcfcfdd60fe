const KEYS = [
  ["H", "hide"],
  ["F", "fullscreen"],
  ["Shift Space", "pause"],
  ["1–9", "recall"],
  ["L", "learn"],
  ["D", "dice"],
  ["T", "tap"],
  ["+ −", "text size"],
] as const;

export function Help() {
  return (
    <div className="help">
      {KEYS.map(([key, does]) => (
        <span key={key}>
          <kbd>{key}</kbd>
          {does}
        </span>
      ))}
    </div>
  );
}
