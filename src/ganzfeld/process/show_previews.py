"""What pages want to see before it plays, as texts for the previewer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from ganzfeld.errors import GanzfeldError
from ganzfeld.process.document.document import Document
from ganzfeld.process.live_dice import LiveDice
from ganzfeld.process.messages import VersionedText
from ganzfeld.process.preview_messages import PictureMade, PreviewText
from ganzfeld.process.previewer import Previewer, PreviewOrder
from ganzfeld.values.previews import LONGEST_TEXT, PreviewDrawn, PreviewVariant

Text = Callable[[], VersionedText]


class ShowPreviews:
    """Any thread may call. newest: the text that was sent to play last; playing: the one that plays."""

    def __init__(self, previewer: Previewer, document: Document, dice: LiveDice, newest: Text, playing: Text) -> None:
        self._previewer, self._document, self._dice = previewer, document, dice
        self._newest, self._playing = newest, playing

    def draw(
        self,
        asker: Hashable,
        request: int,
        variants: Sequence[PreviewVariant],
        hear: Callable[[PreviewDrawn], None],
        *,
        log: str,
        version: int,
        height: int,
    ) -> None:
        """Draw these for `asker`, again and again, in the place of what they asked for before; none: end that.

        log, version: the document that changes are of. height: of the pictures, in pixels. hear: is told of each
        picture, by any thread; must not wait.
        """
        texts: dict[int, PreviewText] = {}
        for index, variant in enumerate(variants):
            try:
                texts[index] = PreviewText(self._text_of(variant, log, version), variant.values)
            except GanzfeldError as error:
                problem = ". ".join(part for part in (error.what, error.hint) if part)
                hear(PreviewDrawn(request, index, problem=problem))
        if not texts:
            self.end(asker)
            return

        def made(picture: PictureMade) -> None:
            hear(
                PreviewDrawn(
                    request, picture.index, picture.width, picture.height, picture.jpeg, problem=picture.problem
                )
            )

        playing = self._playing()
        self._previewer.ask(asker, PreviewOrder(height, texts, playing.text, playing.path), made)

    def end(self, asker: Hashable) -> None:
        """They look no more."""
        self._previewer.end(asker)

    def _text_of(self, variant: PreviewVariant, log: str, version: int) -> str:
        """Raises GanzfeldError."""
        is_other = variant.changes is not None or variant.line
        if is_other and max(len(self._newest().text), len(self._document.text)) > LONGEST_TEXT:
            raise GanzfeldError("this text is too long to be looked at before it plays", hint="Play it")
        if variant.changes is not None:
            return self._document.text_with(log, version, variant.changes)
        if variant.line:
            return self._dice.text_with(variant.line)
        return self._newest().text
