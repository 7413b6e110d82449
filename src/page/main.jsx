import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './page.css';
import { App } from './app.js';
import { AppView } from './views/app_view.jsx';

render(<AppView app={new App()} />, document.getElementById('page'));
